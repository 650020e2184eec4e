package quartet.tensor.cuda;

/** A block that several tensors may look at; the last one gives it back. */
final class CudaStorage {
  private final ChunkPool pool;
  private final ChunkPool.Block block;
  private int references = 1;

  CudaStorage(ChunkPool pool, long bytes) {
    this.pool = pool;
    this.block = pool.allocate(bytes);
  }

  long address() {
    return block.address;
  }

  long byteSize() {
    return block.bytes;
  }

  void retain() {
    references++;
  }

  void release() {
    references--;
    if (references == 0) {
      pool.release(block);
    }
  }
}
