package io.kloigos.http;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.HttpStream;
import org.eclipse.jetty.util.Callback;

/** An answer of which the beginning may be sent before the end is known. */
final class LongAnswer {
    private LongAnswer() {}

    /** Writes an answer. */
    interface Writer {
        /**
         * Writes it.
         *
         * @throws IOException if the client is gone
         */
        void write(OutputStream out) throws IOException;
    }

    /** Sends an answer. If it cannot be written to its end, the client sees that the connection breaks, never a short answer. */
    static void send(Context context, Writer writer) throws IOException {
        try {
            writer.write(context.outputStream());
        } catch (RuntimeException e) {
            ServletContextRequest.getServletContextRequest(context.req()).addHttpStreamWrapper(BrokenOff::new);
            throw e;
        }
    }

    /** Sends nothing more: neither the end of what was begun nor what would follow it. */
    private static final class BrokenOff extends HttpStream.Wrapper {
        BrokenOff(HttpStream stream) {
            super(stream);
        }

        @Override
        public void send(
                MetaData.Request request,
                MetaData.Response response,
                boolean last,
                ByteBuffer content,
                Callback callback) {
            // The container takes this for a client that has left.
            callback.failed(new EofException("the answer could not be written to its end"));
        }
    }
}
