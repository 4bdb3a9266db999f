import { readFile } from 'node:fs/promises'

import { Check, Errors } from 'typebox/value'

import { DerpMap, type DerpNode, type DerpRegion } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { type Config, parseHostPort } from '../config/index.ts'
import type { AppContext } from '../context.ts'

const FETCH_MS = 30_000
const MAX_MAP_BYTES = 1024 * 1024
/** Among the STUN servers it stands for none at all. */
const NO_STUN = 'disable'

type MapOptions = Pick<
  Config,
  | 'blockDirectConnections'
  | 'derpServerEnable'
  | 'derpServerRegionCode'
  | 'derpServerRegionId'
  | 'derpServerRegionName'
  | 'derpServerStunAddresses'
>

/** What a client is told of the ways to an agent (AC-130). */
export interface RelaySettings {
  readonly derp_map: DerpMap
  readonly derp_force_websockets: boolean
  readonly disable_direct_connections: boolean
}

/**
 * Where clients and agents find relays (AC-160, AC-161).
 *
 * @param accessUrl where this server is reached.
 * @param others the map that was configured beside the relay of this server.
 * @throws Error when both maps have a region of the same id.
 */
export function derpMap(config: MapOptions, accessUrl: string, others: DerpMap = { Regions: {} }): DerpMap {
  const own = config.derpServerEnable ? [embedded(config, accessUrl), ...stunRegions(config)] : []
  const regions = new Map(Object.entries(others.Regions))
  for (const region of own) {
    const id = String(region.RegionID)
    if (regions.has(id))
      throw new Error(
        `the configured relay map has a region ${id} too; choose another number with --derp-server-region-id`,
      )
    regions.set(id, region)
  }
  const shown = [...regions].flatMap(([id, region]): [string, DerpRegion][] => {
    if (!config.blockDirectConnections) return [[id, region]]
    const nodes = region.Nodes.filter((node) => node.STUNOnly !== true)
    return nodes.length === 0
      ? []
      : [[id, { ...region, Nodes: nodes.map((node) => ({ ...node, STUNPort: -1 })) }]]
  })
  return { ...others, Regions: Object.fromEntries(shown) }
}

/** This server as a region; clients put the URL that they use in place of its host and port. */
function embedded(config: MapOptions, accessUrl: string): DerpRegion {
  const { derpServerRegionId: id } = config
  const { hostname, port, protocol } = new URL(accessUrl)
  const node: DerpNode = {
    Name: `${id}b`,
    RegionID: id,
    HostName: hostname.replace(/^\[|\]$/g, ''),
    STUNPort: -1,
    DERPPort: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
    ...(protocol === 'http:' ? { ForceHTTP: true } : {}),
  }
  return {
    EmbeddedRelay: true,
    RegionID: id,
    RegionCode: config.derpServerRegionCode,
    RegionName: config.derpServerRegionName,
    Nodes: [node],
  }
}

/** One region for each STUN server: of several in one region clients would ask a single one. */
function stunRegions(config: MapOptions): readonly DerpRegion[] {
  const addresses = config.derpServerStunAddresses
  if (addresses.includes(NO_STUN) || config.blockDirectConnections) return []
  return addresses.map((address, index) => {
    const id = config.derpServerRegionId + index + 1
    const at = parseHostPort(address)
    if (at === undefined) throw new Error(`--derp-server-stun-addresses: ${address} is not host:port`)
    return {
      EmbeddedRelay: false,
      RegionID: id,
      RegionCode: `coder_stun_${id}`,
      RegionName: `Coder STUN ${id}`,
      Nodes: [{ Name: `${id}stun0`, RegionID: id, HostName: at.host, STUNPort: at.port, STUNOnly: true }],
    }
  })
}

/** Knows what clients are told of relays; what is configured elsewhere is read once, at the start. */
export class RelayMap {
  readonly #context: Pick<AppContext, 'accessUrl' | 'config'>
  readonly #others: DerpMap | undefined

  private constructor(context: Pick<AppContext, 'accessUrl' | 'config'>, others: DerpMap | undefined) {
    this.#context = context
    this.#others = others
  }

  /** @throws Error with a message for the operator when a map cannot be had, or relays nothing (AC-161). */
  static async load(context: Pick<AppContext, 'accessUrl' | 'config'>): Promise<RelayMap> {
    const { config } = context
    const others = await configuredMap(config)
    // Which URL it is makes no difference here, and the server may not listen yet.
    const { Regions: regions } = derpMap(config, 'http://localhost', others)
    const relays = Object.values(regions).some(({ Nodes }) => Nodes.some((node) => node.STUNOnly !== true))
    if (others !== undefined && !relays)
      throw new Error(
        'no region of the relay map has a node that relays; name one in --derp-config-url or --derp-config-path, or set --derp-server-enable',
      )
    return new RelayMap(context, others)
  }

  /** What clients are told now. */
  get settings(): RelaySettings {
    const { accessUrl, config } = this.#context
    return {
      derp_map: derpMap(config, accessUrl(), this.#others),
      derp_force_websockets: config.derpForceWebsockets,
      disable_direct_connections: config.blockDirectConnections,
    }
  }
}

async function configuredMap(config: Config): Promise<DerpMap | undefined> {
  const [option, place] =
    config.derpConfigUrl === ''
      ? ['--derp-config-path', config.derpConfigPath]
      : ['--derp-config-url', config.derpConfigUrl]
  if (place === '') return undefined
  let map: unknown
  try {
    map = JSON.parse(config.derpConfigUrl === '' ? await readFile(place, 'utf8') : await download(place))
  } catch (error) {
    throw new Error(`${option}: the relay map cannot be read: ${describeError(error)}`, { cause: error })
  }
  if (!Check(DerpMap, map)) {
    const [fault] = Errors(DerpMap, map)
    throw new Error(
      `${option}: the relay map is wrong at ${fault?.instancePath || 'its top'}: it ${fault?.message ?? 'cannot be read'}`,
    )
  }
  for (const [id, region] of Object.entries(map.Regions))
    if (String(region.RegionID) !== id)
      throw new Error(`${option}: the region ${id} of the relay map has the RegionID ${region.RegionID}`)
  return map
}

async function download(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > MAX_MAP_BYTES) throw new Error(`it is longer than ${MAX_MAP_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}
