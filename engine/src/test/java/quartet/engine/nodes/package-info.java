/** Tests of the core nodes, alone and as one workflow. */
@NullMarked
package quartet.engine.nodes;

import org.jspecify.annotations.NullMarked;
