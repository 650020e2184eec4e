/** Text to CLIP token ids and weights. Owns the vocabulary; knows no model. */
@NullMarked
package quartet.tokenizer;

import org.jspecify.annotations.NullMarked;
