package quartet.api.serve;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.files.Folders;
import quartet.engine.node.NodeRegistry;
import quartet.engine.nodes.CoreNodes;
import quartet.engine.plugin.DeviceHardcoding;
import quartet.engine.plugin.PlugIns;

/**
 * The nodes that prompts may name: our own, and those of plug-ins.
 *
 * @param registry all of them
 */
record KnownNodes(PlugIns plugIns, NodeRegistry registry) {
  private static final Logger LOG = LoggerFactory.getLogger(KnownNodes.class);

  static KnownNodes load(Folders folders) {
    PlugIns plugIns = PlugIns.load(folders.customNodes());
    return new KnownNodes(
        plugIns,
        NodeRegistry.of(new CoreNodes(), plugIns.packs(), problem -> LOG.warn("⚠️ {}", problem)));
  }

  /** Says what is wrong with plug-ins. */
  void announce() {
    LOG.info("🔍 Checking custom nodes compatibility...");
    plugIns.problems().forEach(problem -> LOG.warn("⚠️ {}", problem));
    for (DeviceHardcoding.Finding finding : plugIns.findings()) {
      LOG.warn(
          "⚠️ Plug-in {} hard-codes a device: class {} contains {}; its nodes may run on the wrong GPU",
          finding.plugIn(),
          finding.className(),
          finding.evidence());
    }
    if (plugIns.findings().isEmpty()) {
      LOG.info("✅ No obvious device hardcoding detected");
    }
  }
}
