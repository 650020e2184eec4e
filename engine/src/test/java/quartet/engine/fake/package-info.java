/** Hand-written stand-ins for what surrounds a node. */
@NullMarked
package quartet.engine.fake;

import org.jspecify.annotations.NullMarked;
