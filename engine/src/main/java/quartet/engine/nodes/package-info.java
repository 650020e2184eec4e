/**
 * The core nodes, one class each. To add one: copy a neighbour, declare its inputs as constants,
 * add a line to {@link quartet.engine.nodes.CoreNodes}, write a test.
 */
@NullMarked
package quartet.engine.nodes;

import org.jspecify.annotations.NullMarked;
