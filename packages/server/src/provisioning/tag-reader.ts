import type { NamedValue } from './engine/description.ts'
import { type Engine, EngineError, type Preview } from './engine/engine.ts'
import type { JobRow } from './store/jobs.ts'

/** Time for one look at an archive, in milliseconds. */
const LIMIT_MS = 30_000

/** What an archive says of its provisioners. */
export type ArchiveTags = Pick<Preview, 'workspaceTags' | 'tagFaults'>

const NONE: ArchiveTags = { workspaceTags: [], tagFaults: [] }

/** Reads the tags of archives before a job is queued for them (WS-101, PR-28). */
export class TagReader {
  readonly #engines: ReadonlyMap<JobRow['provisioner'], Engine>
  readonly #workDirectory: string

  constructor(options: {
    readonly engines: ReadonlyMap<JobRow['provisioner'], Engine>
    readonly workDirectory: string
  }) {
    this.#engines = options.engines
    this.#workDirectory = options.workDirectory
  }

  /**
   * The tags with the default of every parameter. There are none where this server has no engine for the
   * archive, and where the archive cannot be read: its import then fails and says where.
   */
  async read(
    provisioner: JobRow['provisioner'],
    archive: Uint8Array,
    variables: readonly NamedValue[],
  ): Promise<ArchiveTags> {
    const engine = this.#engines.get(provisioner)
    if (engine === undefined) return NONE
    try {
      await using session = await engine.open({
        archive,
        state: new Uint8Array(),
        workDirectory: this.#workDirectory,
        log: () => undefined,
        signal: AbortSignal.timeout(LIMIT_MS),
      })
      return await session.preview({ parameters: [], previousParameters: [], variables })
    } catch (error) {
      if (error instanceof EngineError) return NONE
      throw error
    }
  }
}
