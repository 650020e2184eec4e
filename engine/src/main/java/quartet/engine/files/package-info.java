/**
 * The run-time folders: models, input, output, temp, custom_nodes. Owns every decision on which
 * file a name means and whether it may be touched.
 */
@NullMarked
package quartet.engine.files;

import org.jspecify.annotations.NullMarked;
