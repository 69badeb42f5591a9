// Broken variants of the registry on Maps: the contract suite must notice each. Run as a program, prints their names.
import { MapRegistry } from "./map-registry.mjs";

export const BROKEN = {
  "update lists a login": class extends MapRegistry {
    async update(userId, id, change) {
      const isListed = await super.update(userId, id, change);
      if (!isListed && change.addSid)
        await super.add({ id: `${id} again`, userId, sid: change.addSid, ttlMs: change.ttlMs });
      return isListed;
    }
  },
  "a kick forgets its logins": class extends MapRegistry {
    async end(userId, target) {
      const result = await super.end(userId, target);
      if (target.kick)
        await super.finishKick(
          userId,
          result.ended.map(({ id }) => id),
        );
      return result;
    }
  },
  "ends are not remembered": class extends MapRegistry {
    end(userId, target) {
      return super.end(userId, target.kick ? target : { ...target, remember: false, ifListed: true });
    }
  },
  "an update is two steps": class extends MapRegistry {
    async update(userId, id, change) {
      const login = await this.find(userId, id);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (login === undefined) return false;
      if (await super.update(userId, id, change)) return true;
      await super.add({ ...login, sid: login.sids[0], ttlMs: 60_000 });
      return true;
    }
  },
  "a limit does not end the excess": class extends MapRegistry {
    add(login, { limit, ...options } = {}) {
      return super.add(login, limit?.whenFull === "refuse" ? { ...options, limit } : options);
    }
  },
  "a limit ends the newest logins": class extends MapRegistry {
    compare(a, b) {
      return super.compare(b, a);
    }
  },
  "a limit is two steps": class extends MapRegistry {
    async add(login, options = {}) {
      const { limit, ...others } = options;
      if (limit?.whenFull !== "end") return super.add(login, options);
      const added = await super.add(login, others);
      if (added.outcome !== "listed") return added;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return super.add(login, options);
    }
  },
  "no gap is reported": class extends MapRegistry {
    // Each test that waits for a gap takes 20 seconds: those of limits are left out.
    supports = {};
    subscribe(listener, options) {
      const { ended, connected, disconnected } = Object.getPrototypeOf(listener);
      const deaf = {
        ended: ended.bind(listener),
        connected: connected.bind(listener),
        disconnected: disconnected.bind(listener),
      };
      return super.subscribe({ ...deaf, gap: () => undefined }, options);
    }
  },
};

if (process.argv[1].endsWith("broken-registries.mjs")) console.log(Object.keys(BROKEN).join("\n"));
