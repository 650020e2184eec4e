/** Tests of the CLIP tokenizer. */
@NullMarked
package quartet.tokenizer;

import org.jspecify.annotations.NullMarked;
