package quartet.engine.model.clip;

/**
 * Vectors that stand in for tokens' embeddings, as textual inversion learns them.
 *
 * @param keep {@code [B, T, D]}: 1 where the token's own embedding stays, 0 where it is replaced
 * @param values {@code [B, T, D]}: the vectors where replaced, else 0
 */
@SuppressWarnings("ArrayRecordComponent") // lives for one call
public record TokenVectors(float[] keep, float[] values) {}
