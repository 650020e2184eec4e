/**
 * Runs a plan: nodes in order, outputs cached by what they depend on, events as it goes. Owns the
 * cached outputs of one device; knows no device and no queue.
 */
@NullMarked
package quartet.engine.exec;

import org.jspecify.annotations.NullMarked;
