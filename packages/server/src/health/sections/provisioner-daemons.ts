import type { HealthMessage, ProvisionerDaemon, ProvisionerDaemonsReport } from '@slipway/contract'
import { type Found, fault, inWords, type Section, worst } from '../section.ts'

/** Major part of the API that this server speaks with provisioners. */
const API_MAJOR = 1
/** Semantic versions as Go writes them: with a v, and as long as they are clear. */
const SEMVER =
  /^v(0|[1-9]\d*)(?:\.(0|[1-9]\d*)(?:\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)?)?$/

interface Item {
  readonly provisioner_daemon: ProvisionerDaemon
  readonly warnings: HealthMessage[]
  readonly severity: ProvisionerDaemonsReport['severity']
}

/**
 * The provisioners that were seen within 90 seconds, and whether they speak as this server does (PR-23).
 *
 * @param list reads them by name, as somebody who may read nothing else (PR-22, OP-103).
 * @param version of this server.
 */
export function provisionerDaemonsSection(
  list: () => Promise<readonly ProvisionerDaemon[]>,
  version: string,
): Section<ProvisionerDaemonsReport> {
  const failed = (error: string): Found<ProvisionerDaemonsReport> => ({
    severity: 'error',
    error,
    warnings: [],
    items: [],
  })
  return {
    name: 'ProvisionerDaemons',
    failed,
    async look() {
      let daemons: readonly ProvisionerDaemon[]
      try {
        daemons = await list()
      } catch (error) {
        return failed(`error fetching provisioner daemons: ${inWords(error)}`)
      }
      if (daemons.length === 0)
        return {
          severity: 'error',
          warnings: [
            {
              code: 'EPD01',
              message:
                'No active provisioner daemons found! Builds wait until one runs: start the server with --provisioner-daemons above 0, or start external ones.',
            },
          ],
          items: [],
        }
      const items = daemons.map((daemon) => itemOf(daemon, version))
      return {
        severity: worst(items.map(({ severity }) => severity)),
        warnings: summary(items),
        items: items.map(({ provisioner_daemon, warnings }) => ({ provisioner_daemon, warnings })),
        ...unreadable(items),
      }
    },
  }
}

function itemOf(daemon: ProvisionerDaemon, version: string): Item {
  const warnings: HealthMessage[] = []
  let isUnreadable = false
  if (!SEMVER.test(daemon.version)) {
    isUnreadable = true
    warnings.push({
      code: 'EUNKNOWN',
      message: `Its version ${JSON.stringify(daemon.version)} is none. Start it again with the release of the server.`,
    })
  } else if (!isMatching(daemon.version, version))
    warnings.push({
      code: 'EPD02',
      message: `It is of version ${daemon.version}, and the server of ${version}. Update it.`,
    })
  const major = /^(\d+)\.(\d+)$/.exec(daemon.api_version)?.[1]
  if (major === undefined) {
    isUnreadable = true
    warnings.push({
      code: 'EUNKNOWN',
      message: `The version ${JSON.stringify(daemon.api_version)} of its API is none. Start it again with the release of the server.`,
    })
  } else if (Number(major) !== API_MAJOR)
    warnings.push({
      code: 'EPD03',
      message: `It speaks version ${daemon.api_version} of the API, and the server ${API_MAJOR}. Update it.`,
    })
  return {
    provisioner_daemon: daemon,
    warnings,
    severity: isUnreadable ? 'error' : warnings.length > 0 ? 'warning' : 'ok',
  }
}

/** Whether two versions agree in what counts; one without a release agrees with all. */
function isMatching(one: string, other: string): boolean {
  const parts = (version: string) => /^v(\d+)(?:\.(\d+))?/.exec(version)
  if ([one, other].some((version) => version.includes('v0.0.0'))) return true
  const [a, b] = [parts(one), parts(other)]
  return a?.[1] === b?.[1] && (a?.[2] ?? '0') === (b?.[2] ?? '0')
}

/** What holds for some of them, said once for all. */
function summary(items: readonly Item[]): HealthMessage[] {
  const of = (code: HealthMessage['code']) =>
    items.filter(({ warnings }) => warnings.some((warning) => warning.code === code)).length
  const found: HealthMessage[] = []
  const [versions, apis] = [of('EPD02'), of('EPD03')]
  if (versions > 0)
    found.push({
      code: 'EPD02',
      message: `${counted(versions, items)} of another version than the server. Update them.`,
    })
  if (apis > 0)
    found.push({
      code: 'EPD03',
      message: `${counted(apis, items)} of another version of the API. Update them.`,
    })
  return found
}

function counted(count: number, items: readonly Item[]): string {
  return `${count} of ${items.length} provisioner daemons ${count === 1 ? 'is' : 'are'}`
}

function unreadable(items: readonly Item[]): { error?: string } {
  const count = items.filter(({ severity }) => severity === 'error').length
  return count === 0
    ? {}
    : {
        error: fault(
          'EUNKNOWN',
          `${count} of ${items.length} provisioner daemons tell no version that can be read`,
        ),
      }
}
