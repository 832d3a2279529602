package io.kloigos.http;

import java.util.List;

/** A server that is emptied, and what empties it, as the API tells it; described in the API document under the same name. */
record DrainResponse(ServerResponse server, List<OperationResponse> operations) {}
