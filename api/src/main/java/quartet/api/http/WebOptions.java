package quartet.api.http;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import quartet.api.auth.ApiKeys;
import quartet.api.ws.PreviewOptions;

/**
 * How the server presents itself to browsers.
 *
 * @param corsOrigin which other origin's pages may drive it, {@code *} for all, or null for none
 * @param frontEndRoot folder of a front end to serve instead of the built-in page, or null
 * @param compress whether JSON and text are sent as gzip to those who take it
 * @param previews pictures while sampling
 * @param keys who may use the server, or null for everybody
 * @param multiUser whether clients say, with a header, whose settings and files they mean
 */
public record WebOptions(
    @Nullable String corsOrigin,
    @Nullable Path frontEndRoot,
    boolean compress,
    PreviewOptions previews,
    @Nullable ApiKeys keys,
    boolean multiUser) {}
