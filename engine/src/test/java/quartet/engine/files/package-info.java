/** Tests of names: nothing leaves its folder, nothing is written over. */
@NullMarked
package quartet.engine.files;

import org.jspecify.annotations.NullMarked;
