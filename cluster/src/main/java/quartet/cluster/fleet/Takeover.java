package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Down;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.Owner;
import quartet.cluster.job.PromptFact;
import quartet.cluster.journal.JournalDatabase;
import quartet.cluster.journal.JournalProtocol;
import quartet.cluster.journal.Recovered;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeChoice;
import quartet.cluster.placement.NodeOutlook;
import quartet.cluster.placement.PromptWork;

/**
 * Compares the journal with who is there. When a server is gone, the oldest one that is left gives
 * its open prompts to those that are there. Every server looks for prompts of its own that it does
 * not know of; there are some if a message got lost at the wrong moment.
 *
 * <p>Should two servers hold themselves for the oldest for a moment, the journal lets one of them
 * have each prompt. Thread: the fleet's; the database is read elsewhere.
 */
final class Takeover {
  private static final Logger LOG = LoggerFactory.getLogger(Takeover.class);
  private static final long LOOK_EVERY_NANOS = Duration.ofSeconds(10).toNanos();
  private static final long RETRY_NANOS = Duration.ofSeconds(1).toNanos();
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Entries get their numbers before they are there; this many may be written at once. */
  private static final int OVERLAP = 1000;

  /** What was read and stored. */
  sealed interface Result extends Fleet.Internal {}

  /**
   * The journal's open prompts, and what this server knows of; null if reading failed.
   *
   * @param shutOut whether the others went on without this server
   */
  record Read(@Nullable List<Recovered.Open> open, Set<String> known, boolean shutOut)
      implements Result {}

  /** The journal has answered for a prompt that was to be taken. */
  record Claimed(Recovered.Open prompt, Owner to, JournalProtocol.@Nullable Answer answer)
      implements Result {}

  /** The history was read. */
  record HistoryRead() implements Result {}

  /** Belongs to that server now and has to be told to it. */
  record Taken(Recovered.Open prompt, Owner to) {}

  private final ActorContext<Fleet.Command> context;
  private final Owner self;
  private final Peers peers;
  private final ActorRef<RouterProtocol.Command> router;
  private final ActorRef<JournalProtocol.Command> journal;
  private final JournalDatabase database;
  private final Executor blocking;
  private Set<String> suspects = Set.of();
  private long nextLookNanos = System.nanoTime();
  private boolean looking;
  private boolean historyWanted;
  private volatile long historyUpTo;
  private boolean historyReading;
  private final Queue<Long> gone = new ConcurrentLinkedQueue<>();
  private int claims;

  Takeover(
      ActorContext<Fleet.Command> context,
      Owner self,
      Peers peers,
      ActorRef<RouterProtocol.Command> router,
      ActorRef<JournalProtocol.Command> journal,
      JournalDatabase database) {
    this.context = context;
    this.self = self;
    this.peers = peers;
    this.router = router;
    this.journal = journal;
    this.database = database;
    this.blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
  }

  /** A server belongs to the cluster no more. */
  void removed(long epoch) {
    gone.add(epoch);
  }

  /** Somebody has come or gone: look at once. */
  void look() {
    nextLookNanos = System.nanoTime();
  }

  /** Records may have been missed. */
  void readHistory() {
    historyWanted = true;
  }

  /** Time passes. */
  void tick() {
    if (!peers.selfIsUp()) {
      return;
    }
    if (historyWanted && !historyReading) {
      historyWanted = false;
      historyReading = true;
      context.pipeToSelf(history(), (done, failure) -> new HistoryRead());
    }
    if (!looking && claims == 0 && System.nanoTime() - nextLookNanos >= 0) {
      looking = true;
      historyWanted = true; // a server that was shut out may have stored ends until a moment ago
      nextLookNanos = System.nanoTime() + LOOK_EVERY_NANOS;
      context.pipeToSelf(
          read(),
          (found, failure) -> {
            if (failure != null) {
              LOG.warn(
                  "the journal cannot be looked at, to be tried again: {}", failure.toString());
            }
            return found == null ? new Read(null, Set.of(), false) : found;
          });
    }
  }

  private CompletionStage<Read> read() {
    return CompletableFuture.supplyAsync(
            () -> {
              try {
                for (Long epoch = gone.poll(); epoch != null; epoch = gone.poll()) {
                  database.shutOut(epoch, self.epoch());
                }
                return database.isShutOut(self.epoch())
                    ? List.<Recovered.Open>of()
                    : Recovered.of(database.readOpen()).open();
              } catch (SQLException e) {
                throw new CompletionException(e);
              }
            },
            blocking)
        .thenCompose(
            open ->
                AskPattern.<RouterProtocol.Command, Set<String>>ask(
                        router,
                        RouterProtocol.Known::new,
                        PATIENCE,
                        context.getSystem().scheduler())
                    .thenApply(known -> new Read(open, known, isShutOut())));
  }

  private boolean isShutOut() {
    try {
      return database.isShutOut(self.epoch());
    } catch (SQLException e) {
      return false; // the next look asks again
    }
  }

  private CompletionStage<Void> history() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            long last = database.lastOrdering();
            router.tell(
                new RouterProtocol.Learn(
                    Recovered.of(database.readEndedAfter(historyUpTo - OVERLAP)).records()));
            historyUpTo = last;
          } catch (SQLException e) {
            throw new CompletionException(e);
          }
        },
        blocking);
  }

  /**
   * Goes on with what was read.
   *
   * @param own how things look on this server, or null if it is not known yet
   * @return prompts whose new owner has to hear of them
   */
  List<Taken> done(Result result, @Nullable NodeOutlook own) {
    return switch (result) {
      case HistoryRead ignored -> {
        historyReading = false;
        yield List.of();
      }
      case Claimed claimed -> {
        claims--;
        yield claimed(claimed);
      }
      case Read read -> {
        looking = false;
        yield look(read, own);
      }
    };
  }

  private List<Taken> look(Read read, @Nullable NodeOutlook own) {
    if (read.shutOut()) {
      LOG.error("❌ The others have gone on without this server, which did not notice; it ends");
      Cluster cluster = Cluster.get(context.getSystem());
      cluster.manager().tell(new Down(cluster.selfMember().address()));
      return List.of();
    }
    List<Recovered.Open> open = read.open();
    if (open == null || own == null) {
      nextLookNanos = System.nanoTime() + RETRY_NANOS;
      return List.of();
    }
    Orphans orphans = Orphans.of(open, self, peers.epochs(), read.known(), suspects);
    suspects = Orphans.suspects(open, self, read.known());
    if (!orphans.ofTheGone().isEmpty() && peers.selfIsOldest()) {
      take(orphans.ofTheGone(), own);
    }
    if (!orphans.forgotten().isEmpty()) {
      LOG.warn("{} prompts of this server were found in the journal", orphans.forgotten().size());
    }
    return orphans.forgotten().stream().map(prompt -> new Taken(prompt, self)).toList();
  }

  private void take(List<Recovered.Open> prompts, NodeOutlook own) {
    NodeOutlook mine = own;
    Map<Owner, Long> counts =
        prompts.stream()
            .filter(one -> one.entry().owner() != null)
            .collect(Collectors.groupingBy(one -> one.entry().owner(), Collectors.counting()));
    LOG.warn(
        "🔁 {} open prompts of servers that are gone run elsewhere: {}", prompts.size(), counts);
    for (Recovered.Open prompt : prompts) {
      PromptWork work = PromptWork.of(prompt.job().prompt(), prompt.entry().checkpoints());
      NodeOutlook to = NodeChoice.choose(work, mine, peers.outlooks()).orElse(mine);
      if (to.epoch() == self.epoch()) {
        mine = mine.after(work);
      } else {
        peers.sent(to.epoch(), work);
      }
      claim(prompt, new Owner(to.node(), to.epoch()));
    }
    nextLookNanos = System.nanoTime() + RETRY_NANOS; // whether some are left
  }

  private void claim(Recovered.Open prompt, Owner to) {
    claims++;
    context.ask(
        JournalProtocol.Answer.class,
        journal,
        PATIENCE,
        replyTo ->
            new JournalProtocol.Note(
                prompt.job().promptId(), new PromptFact.Taken(to), prompt.entry().owner(), replyTo),
        (answer, failure) -> new Claimed(prompt, to, answer));
  }

  private List<Taken> claimed(Claimed claimed) {
    List<Taken> taken = new ArrayList<>();
    if (claimed.answer() instanceof JournalProtocol.Stored stored
        && claimed.to().equals(stored.life().owner())) {
      taken.add(
          new Taken(
              new Recovered.Open(
                  claimed.prompt().entry().taken(claimed.to()),
                  null,
                  claimed.prompt().attempts(),
                  claimed.prompt().ran()),
              claimed.to()));
    }
    return taken;
  }
}
