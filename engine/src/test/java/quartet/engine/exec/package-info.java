/** Tests of running a plan: order, cached outputs, failures and interruption. */
@NullMarked
package quartet.engine.exec;

import org.jspecify.annotations.NullMarked;
