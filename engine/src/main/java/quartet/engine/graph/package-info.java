/**
 * From JSON to a plan: parse a prompt, check it against the node registry (all errors, in ComfyUI's
 * form), order its nodes. Owns no state and runs nothing.
 */
@NullMarked
package quartet.engine.graph;

import org.jspecify.annotations.NullMarked;
