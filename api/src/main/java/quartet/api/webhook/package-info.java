/** Tells other systems that prompts have ended: signed, retried, kept across restarts. */
@NullMarked
package quartet.api.webhook;

import org.jspecify.annotations.NullMarked;
