package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.cluster.ClusterEvent;
import akka.cluster.Member;
import akka.cluster.MemberStatus;
import akka.cluster.UniqueAddress;
import akka.cluster.typed.Cluster;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.Owner;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.placement.PromptWork;

/**
 * The other servers: who belongs to the cluster, who answers, and what each told last.
 *
 * <p>Thread: the fleet's.
 */
final class Peers {
  /** Before a server's name, among its roles: so membership alone tells the names. */
  static final String NAME_ROLE = "quartet-node-";

  /** The name of the actor that speaks for a server, the same on all. */
  static final String ACTOR = "fleet";

  /** What was told longer ago than this says nothing about now. */
  private static final double FRESH_SECONDS = 3;

  private static final double NANOS = 1e9;

  /** One of them. */
  static final class Peer {
    final Owner owner;
    final String address;
    final Set<String> roles;
    final ActorRef<FleetMessage> ref;
    Member member;
    boolean reachable = true;
    @Nullable NodeOutlook outlook;
    boolean shared;
    long ends = -1;
    long heardNanos;

    Peer(Owner owner, Member member, ActorRef<FleetMessage> ref, long nowNanos) {
      this.owner = owner;
      this.member = member;
      this.address = address(member);
      this.roles = roles(member);
      this.ref = ref;
      this.heardNanos = nowNanos;
    }

    boolean up() {
      return reachable && member.status().equals(MemberStatus.up());
    }
  }

  private final Cluster cluster;
  private final ActorRefResolver resolver;
  private final LongSupplier nanos;
  private final Map<Long, Peer> byEpoch = new LinkedHashMap<>();
  private final Map<String, NodeState> gone = new TreeMap<>();

  Peers(Cluster cluster, ActorRefResolver resolver, LongSupplier nanos) {
    this.cluster = cluster;
    this.resolver = resolver;
    this.nanos = nanos;
  }

  /** The name that a server gave itself. */
  static String name(Member member) {
    return member.getRoles().stream()
        .filter(role -> role.startsWith(NAME_ROLE))
        .map(role -> role.substring(NAME_ROLE.length()))
        .findFirst()
        .orElseGet(() -> address(member));
  }

  static String address(Member member) {
    return member.address().getHost().orElse("?") + ":" + member.address().getPort().orElse(0);
  }

  static Set<String> roles(Member member) {
    Set<String> roles = new HashSet<>(member.getRoles());
    roles.removeIf(role -> role.startsWith(NAME_ROLE) || role.startsWith("dc-"));
    return roles;
  }

  /**
   * Membership has changed.
   *
   * @return whether a server is gone for good or has come, so that the journal has news
   */
  boolean changed(ClusterEvent.ClusterDomainEvent event) {
    return switch (event) {
      case ClusterEvent.MemberRemoved removed -> removed(removed.member());
      case ClusterEvent.MemberEvent one -> present(one.member());
      case ClusterEvent.UnreachableMember lost -> reachable(lost.member(), false);
      case ClusterEvent.ReachableMember found -> reachable(found.member(), true);
      default -> false;
    };
  }

  private boolean present(Member member) {
    UniqueAddress unique = member.uniqueAddress();
    if (unique.equals(cluster.selfMember().uniqueAddress())) {
      return false;
    }
    Peer known = byEpoch.get(unique.longUid());
    if (known != null) {
      known.member = member;
      return false;
    }
    ActorRef<FleetMessage> ref = resolver.resolveActorRef(member.address() + "/user/" + ACTOR);
    Owner owner = new Owner(name(member), unique.longUid());
    byEpoch.put(unique.longUid(), new Peer(owner, member, ref, nanos.getAsLong()));
    gone.remove(owner.node());
    return true;
  }

  private boolean removed(Member member) {
    Peer peer = byEpoch.remove(member.uniqueAddress().longUid());
    if (peer == null) {
      return false;
    }
    if (byEpoch.values().stream().noneMatch(one -> one.owner.node().equals(peer.owner.node()))) {
      gone.put(peer.owner.node(), state(peer, "down"));
    }
    return true;
  }

  private boolean reachable(Member member, boolean reachable) {
    Peer peer = byEpoch.get(member.uniqueAddress().longUid());
    if (peer != null) {
      peer.reachable = reachable;
    }
    return false;
  }

  /** A server has told how things look there; null if it is none of ours. */
  @Nullable Peer heard(NodeOutlook outlook) {
    Peer peer = byEpoch.get(outlook.epoch());
    if (peer != null) {
      peer.outlook = outlook;
      peer.heardNanos = nanos.getAsLong();
    }
    return peer;
  }

  @Nullable Peer find(long epoch) {
    return byEpoch.get(epoch);
  }

  Optional<Peer> named(String node) {
    return byEpoch.values().stream().filter(peer -> peer.owner.node().equals(node)).findFirst();
  }

  /** All that belong to the cluster, whether they answer or not. */
  Collection<Peer> all() {
    return List.copyOf(byEpoch.values());
  }

  /** Those that answer. */
  List<Peer> answering() {
    return byEpoch.values().stream().filter(Peer::up).toList();
  }

  /** What those told that answer and have told something lately. */
  List<NodeOutlook> outlooks() {
    List<NodeOutlook> fresh = new ArrayList<>();
    for (Peer peer : byEpoch.values()) {
      NodeOutlook outlook = peer.outlook;
      if (peer.up() && outlook != null && age(peer) < FRESH_SECONDS) {
        fresh.add(outlook);
      }
    }
    return fresh;
  }

  /** One more prompt goes there; until it tells of that itself, this is kept in mind. */
  void sent(long epoch, PromptWork work) {
    Peer peer = byEpoch.get(epoch);
    if (peer != null && peer.outlook != null) {
      peer.outlook = peer.outlook.after(work);
    }
  }

  /** Epochs of all servers of the cluster, this one included. */
  Set<Long> epochs() {
    Set<Long> epochs = new HashSet<>();
    cluster.state().getMembers().forEach(member -> epochs.add(member.uniqueAddress().longUid()));
    return epochs;
  }

  /** Whether this server has been in the cluster for longer than all others that are up. */
  boolean selfIsOldest() {
    Member self = cluster.selfMember();
    for (Member member : cluster.state().getMembers()) {
      if (member.status().equals(MemberStatus.up())
          && !member.uniqueAddress().equals(self.uniqueAddress())
          && member.isOlderThan(self)) {
        return false;
      }
    }
    return selfIsUp();
  }

  boolean selfIsUp() {
    return cluster.selfMember().status().equals(MemberStatus.up());
  }

  private double age(Peer peer) {
    return (nanos.getAsLong() - peer.heardNanos) / NANOS;
  }

  /** For people: who is there, and who was. */
  List<NodeState> states(@Nullable NodeOutlook own, String name) {
    List<NodeState> states = new ArrayList<>();
    Member self = cluster.selfMember();
    states.add(new NodeState(name, address(self), status(self, true), roles(self), own, 0));
    byEpoch.values().forEach(peer -> states.add(state(peer, status(peer.member, peer.reachable))));
    states.addAll(gone.values());
    return states;
  }

  private NodeState state(Peer peer, String status) {
    return new NodeState(
        peer.owner.node(), peer.address, status, peer.roles, peer.outlook, age(peer));
  }

  private static String status(Member member, boolean reachable) {
    if (member.status().equals(MemberStatus.down())) {
      return "down";
    }
    if (!reachable) {
      return "unreachable";
    }
    return member.status().equals(MemberStatus.leaving())
            || member.status().equals(MemberStatus.exiting())
        ? "leaving"
        : "up";
  }
}
