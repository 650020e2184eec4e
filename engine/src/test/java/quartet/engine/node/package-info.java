/** Tests of the registry and of typed inputs. */
@NullMarked
package quartet.engine.node;

import org.jspecify.annotations.NullMarked;
