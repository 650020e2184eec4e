/**
 * Servers that work together: what they tell each other, where a prompt goes, and what becomes of
 * the prompts of a server that is gone. Owns the messages between servers.
 */
@NullMarked
package quartet.cluster.fleet;

import org.jspecify.annotations.NullMarked;
