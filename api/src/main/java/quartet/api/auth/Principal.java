package quartet.api.auth;

import akka.http.javadsl.model.AttributeKey;
import quartet.cluster.job.PromptJob;

/**
 * Who sent a request.
 *
 * @param name of the key; empty where the server has no keys
 * @param quota prompts that may wait or run at once; 0 for no limit
 */
public record Principal(String name, Role role, int quota) {
  /** Everybody, on a server without keys. */
  public static final Principal EVERYBODY = new Principal("", Role.ADMIN, 0);

  /** Where a request carries it. */
  public static final AttributeKey<Principal> KEY =
      AttributeKey.create("quartet-principal", Principal.class);

  /**
   * The key in {@code extra_data} under which a prompt keeps whose it is. Clients cannot set it.
   */
  public static final String OWNER = "quartet_owner";

  /** Whose prompt it is; empty if it was posted without a key. */
  public static String ownerOf(PromptJob job) {
    return job.extraData().path(OWNER).asText("");
  }

  /** Whether this one may know of the prompt. */
  public boolean sees(PromptJob job) {
    return seesAll() || ownerOf(job).equals(name);
  }

  /** Whether this one may know of everybody's prompts. */
  public boolean seesAll() {
    return switch (role) {
      case ADMIN, READ_ONLY -> true;
      case USER -> false;
    };
  }

  /** The address of a client's WebSocket: nobody takes over another key's by knowing its id. */
  public String address(String sid) {
    return address(name, sid);
  }

  /** The same, of the client that posted a prompt. */
  public static String address(String owner, String sid) {
    return owner.isEmpty() ? sid : owner + "\n" + sid;
  }
}
