/** Tests of saved workflows. */
@NullMarked
package quartet.engine.workflow;

import org.jspecify.annotations.NullMarked;
