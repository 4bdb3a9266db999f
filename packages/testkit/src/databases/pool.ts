import { randomBytes } from 'node:crypto'

import type pg from 'pg'

import { clean } from './cleaning.ts'
import { withAdmin, withClient, withDatabase } from './connections.ts'
import type { TemplateState } from './template-state.ts'

/** How the names of databases begin that wait for the next test. */
const CLEAN = 'clean_'
/** How long a connection that a test has left may take to end, in milliseconds. */
const LEFT_OVER_MS = 5_000

/**
 * Copies of the template database that tests have used and given back. To clean one takes a fraction of the work of a
 * new copy, which has several hundred files.
 *
 * The databases themselves are the list of what there is, so that all workers of a run share them. Each use has a
 * name of its own: whoever still holds that of an earlier one finds no database there, as if it had been dropped.
 */
export class DatabasePool {
  readonly #adminUrl: string
  readonly #template: TemplateState

  constructor(adminUrl: string, template: TemplateState) {
    this.#adminUrl = adminUrl
    this.#template = template
  }

  /** Gives a clean database this name; false when there is none, so that a new copy is needed. */
  take(name: string): Promise<boolean> {
    return withAdmin(this.#adminUrl, async (admin) => {
      const { rows } = await admin.query<{ name: string }>(
        `select datname as name from pg_database where starts_with(datname, $1)`,
        [CLEAN],
      )
      for (const found of rows) if (await rename(admin, found.name, name)) return true
      return false
    })
  }

  /** Takes back a database that a test is done with: cleans it, or drops it where that cannot be. */
  giveBack(name: string): Promise<void> {
    return withAdmin(this.#adminUrl, async (admin) => {
      const id = randomBytes(8).toString('hex')
      const [used, cleaned] = [`used_${id}`, `${CLEAN}${id}`]
      await admin.query('select pg_terminate_backend(pid, $2) from pg_stat_activity where datname = $1', [
        name,
        LEFT_OVER_MS,
      ])
      if (await rename(admin, name, used)) {
        if ((await this.#clean(used)) && (await rename(admin, used, cleaned))) return
        await drop(admin, used)
      } else await drop(admin, name)
    })
  }

  async #clean(name: string): Promise<boolean> {
    try {
      return await withClient(withDatabase(this.#adminUrl, name), (client) => clean(client, this.#template))
    } catch {
      // What a test may do to its database has no bounds; the next one gets a new copy.
      return false
    }
  }
}

/** False when there is none of this name, or somebody is connected to it. */
async function rename(admin: pg.ClientBase, from: string, to: string): Promise<boolean> {
  try {
    await admin.query(`alter database ${from} rename to ${to}`)
    return true
  } catch {
    return false
  }
}

async function drop(admin: pg.ClientBase, name: string): Promise<void> {
  await admin.query(`drop database ${name} with (force)`)
}
