/**
 * What both CPU backends share: reference-counted storages, scopes that own tensors, the byte
 * ledger, and the checks of every op's arguments. Holds no arithmetic.
 */
@NullMarked
package quartet.tensor.cpu.core;

import org.jspecify.annotations.NullMarked;
