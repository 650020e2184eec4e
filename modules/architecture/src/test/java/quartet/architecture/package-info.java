/** The rules of the house, and proof that each can fail. Owns nothing that ships. */
@NullMarked
package quartet.architecture;

import org.jspecify.annotations.NullMarked;
