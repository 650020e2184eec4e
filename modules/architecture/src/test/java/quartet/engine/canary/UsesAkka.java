package quartet.engine.canary;

import akka.actor.typed.ActorRef;

/** Breaks: Akka only in cluster and api. */
public record UsesAkka(ActorRef<String> actor) {}
