/** Puts outputs into S3-compatible storage: kept on disk until they are there, and read back. */
@NullMarked
package quartet.api.store;

import org.jspecify.annotations.NullMarked;
