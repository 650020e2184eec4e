/** Tests of models against goldens. */
@NullMarked
package quartet.engine.model;

import org.jspecify.annotations.NullMarked;
