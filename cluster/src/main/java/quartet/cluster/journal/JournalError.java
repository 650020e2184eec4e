package quartet.cluster.journal;

import quartet.errors.ErrorCode;
import quartet.errors.ErrorKind;

/** What can go wrong with the journal's database before it is in use. */
public enum JournalError implements ErrorCode {
  /** The address names a kind of database that is not supported. */
  DATABASE_UNKNOWN(ErrorKind.INPUT),
  /** The database does not answer, refuses us, or is in use by another server. */
  DATABASE_UNUSABLE(ErrorKind.STORAGE),
  /** The database holds less than was stored in it. */
  JOURNAL_CUT_OFF(ErrorKind.STORAGE),
  /** A newer version of the product has made the tables. */
  SCHEMA_TOO_NEW(ErrorKind.STORAGE);

  private final ErrorKind kind;

  JournalError(ErrorKind kind) {
    this.kind = kind;
  }

  @Override
  public ErrorKind kind() {
    return kind;
  }
}
