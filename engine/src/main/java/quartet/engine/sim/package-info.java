/**
 * A device that only pretends: it runs plans by a cost model, waiting instead of computing. For
 * measuring schedulers and planning capacity; its pictures say what they are.
 */
@NullMarked
package quartet.engine.sim;

import org.jspecify.annotations.NullMarked;
