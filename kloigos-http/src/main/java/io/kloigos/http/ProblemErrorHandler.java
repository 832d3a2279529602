package io.kloigos.http;

import io.javalin.http.HttpStatus;
import java.nio.ByteBuffer;
import java.util.Locale;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/** Answers requests that are refused before they reach the API, such as malformed ones, in the form of all other errors. */
final class ProblemErrorHandler extends ErrorHandler {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        HttpStatus status = HttpStatus.forStatus(response.getStatus());
        Problem problem = Problem.of(
                status,
                status.name().toLowerCase(Locale.ROOT),
                "The request was refused by the HTTP server: " + status.getMessage() + ".",
                request.getHttpURI().getPath());
        HttpServer.addSecurityHeaders(response.getHeaders());
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, Problem.CONTENT_TYPE);
        response.write(true, ByteBuffer.wrap(Json.write(problem)), callback);
        return true;
    }
}
