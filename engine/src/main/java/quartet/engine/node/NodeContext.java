package quartet.engine.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Optional;
import quartet.engine.model.Models;
import quartet.engine.run.CancelToken;
import quartet.tensor.Backend;

/**
 * What a running node may use: its device, the models on it, the folders, and the way to report
 * progress.
 */
public interface NodeContext {
  /** Where to compute; a host-only node must not ask. */
  Backend backend();

  /** The models on this device; a host-only node must not ask. */
  Models models();

  /** The run-time folders. */
  Files files();

  /** The prompt as it is shown in history and PNG files. */
  ObjectNode prompt();

  /** What the client wants in the PNG beside the prompt. */
  ObjectNode extraPngInfo();

  /** False when the operator wants no workflow in the files. */
  boolean writeMetadata();

  /** Asked before long steps. */
  CancelToken cancel();

  /**
   * Says how far this node is.
   *
   * @param preview makes a picture of the present state; called only if somebody looks
   */
  void progress(int value, int max, Preview preview);

  /** The node's id in the prompt; of a node in an expansion, with its parent's before it. */
  String nodeId();

  /** Has the prompt's client told something at once. */
  void tell(ClientMessage message);

  /** The run-time folders as nodes see them. */
  interface Files {
    /**
     * A model file by folder key and the name that the combo showed.
     *
     * @throws quartet.errors.EngineException if there is none
     */
    Path model(String folderKey, String name);

    /** A model file if it is there, for names that users type. */
    Optional<Path> findModel(String folderKey, String name);

    /**
     * The file a LoadImage value names.
     *
     * @throws quartet.errors.EngineException if it is not there or outside its folder
     */
    Path image(String annotatedName);

    /** Where results go. */
    Path output();

    /** Where previews go. */
    Path temp();
  }
}
