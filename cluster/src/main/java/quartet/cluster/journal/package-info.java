/**
 * Where prompts' facts are kept: the database, the actor that writes to it, and what a restart
 * reads back. Owns the journal tables.
 */
@NullMarked
package quartet.cluster.journal;

import org.jspecify.annotations.NullMarked;
