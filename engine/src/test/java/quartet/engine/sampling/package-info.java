/** Tests of schedulers and samplers against goldens. */
@NullMarked
package quartet.engine.sampling;

import org.jspecify.annotations.NullMarked;
