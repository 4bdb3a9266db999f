import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { type Config, parseConfig } from '../config/index.ts'
import { derpMap, RelayMap } from './relay-map.ts'

function configured(env: Readonly<Record<string, string>> = {}): Config {
  const parsed = parseConfig([], env)
  if (parsed.kind !== 'start') throw new Error(JSON.stringify(parsed))
  return parsed.config
}

const load = (env: Readonly<Record<string, string>>, accessUrl = 'https://slipway.example.com') =>
  RelayMap.load({ config: configured(env), accessUrl: () => accessUrl })

const OTHER = {
  Regions: {
    7: {
      RegionID: 7,
      RegionCode: 'own',
      RegionName: 'Own relay',
      Nodes: [
        { Name: '7a', RegionID: 7, HostName: 'relay.example.com', STUNPort: 3478 },
        { Name: '7stun', RegionID: 7, HostName: 'stun.example.com', STUNOnly: true },
      ],
    },
  },
}

async function file(content: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-derp-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const name = path.join(folder, 'map.json')
  await writeFile(name, content)
  return name
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/map.json`
}

describe('AC-160: the relay of this server', () => {
  it('is at the access URL', () => {
    expect(
      derpMap(configured({ CODER_DERP_SERVER_STUN_ADDRESSES: 'disable' }), 'https://slipway.example.com'),
    ).toEqual({
      Regions: {
        999: {
          EmbeddedRelay: true,
          RegionID: 999,
          RegionCode: 'coder',
          RegionName: 'Coder Embedded Relay',
          Nodes: [
            { Name: '999b', RegionID: 999, HostName: 'slipway.example.com', STUNPort: -1, DERPPort: 443 },
          ],
        },
      },
    })
  })

  it.each([
    ['http://slipway.example.com', { HostName: 'slipway.example.com', DERPPort: 80, ForceHTTP: true }],
    ['http://127.0.0.1:3000', { HostName: '127.0.0.1', DERPPort: 3000, ForceHTTP: true }],
    ['https://[::1]:8443/x', { HostName: '::1', DERPPort: 8443 }],
  ])('is told by %s', (accessUrl, node) => {
    const { Regions: regions } = derpMap(configured(), accessUrl)
    expect(regions[999]?.Nodes).toEqual([{ Name: '999b', RegionID: 999, STUNPort: -1, ...node }])
  })

  it('has the id, code and name that are configured, and is left out when it is off', () => {
    const named = configured({
      CODER_DERP_SERVER_REGION_ID: '12',
      CODER_DERP_SERVER_REGION_CODE: 'home',
      CODER_DERP_SERVER_REGION_NAME: 'At home',
      CODER_DERP_SERVER_STUN_ADDRESSES: 'stun.example.com:3478,[2001:db8::1]:19302',
    })
    const { Regions: regions } = derpMap(named, 'https://x.example')
    expect(regions[12]).toMatchObject({ RegionID: 12, RegionCode: 'home', RegionName: 'At home' })
    expect(regions[12]?.Nodes[0]).toMatchObject({ Name: '12b', RegionID: 12 })
    expect(regions[14]?.Nodes).toEqual([
      { Name: '14stun0', RegionID: 14, HostName: '2001:db8::1', STUNPort: 19_302, STUNOnly: true },
    ])
    expect(derpMap(configured({ CODER_DERP_SERVER_ENABLE: 'false' }), 'https://x.example')).toEqual({
      Regions: {},
    })
  })
})

describe('AC-161: STUN', () => {
  it('each server has a region of its own', () => {
    const { Regions: regions } = derpMap(configured(), 'https://x.example')
    expect(Object.keys(regions)).toEqual(['999', '1000', '1001', '1002', '1003', '1004'])
    expect(regions[1001]).toEqual({
      EmbeddedRelay: false,
      RegionID: 1001,
      RegionCode: 'coder_stun_1001',
      RegionName: 'Coder STUN 1001',
      Nodes: [
        {
          Name: '1001stun0',
          RegionID: 1001,
          HostName: 'stun1.l.google.com',
          STUNPort: 19_302,
          STUNOnly: true,
        },
      ],
    })
  })

  it('servers that are none are refused at the start', () => {
    for (const address of ['stun.example.com', ':3478', 'stun.example.com:0', 'x:y']) {
      const parsed = parseConfig([], { CODER_DERP_SERVER_STUN_ADDRESSES: address })
      expect(JSON.stringify(parsed), address).toContain('must name servers as host:port')
    }
  })

  it('without direct connections there is none, also not in a map from elsewhere', async () => {
    const name = await file(JSON.stringify(OTHER))
    const { settings } = await load({ CODER_DERP_CONFIG_PATH: name, CODER_BLOCK_DIRECT: 'true' })
    expect(settings.disable_direct_connections).toBe(true)
    expect(settings.derp_map.Regions).toMatchObject({
      7: { Nodes: [{ Name: '7a', STUNPort: -1 }] },
      999: { Nodes: [{ Name: '999b', STUNPort: -1 }] },
    })
    expect(settings.derp_map.Regions[7]?.Nodes).toHaveLength(1)
    expect(Object.keys(settings.derp_map.Regions)).toEqual(['7', '999'])
  })
})

describe('AC-161: a relay map from elsewhere', () => {
  it('comes from a file or a URL, beside the regions of this server', async () => {
    const name = await file(JSON.stringify(OTHER))
    const url = await serve((_request, response) => response.end(JSON.stringify(OTHER)))
    const maps = [await load({ CODER_DERP_CONFIG_PATH: name }), await load({ CODER_DERP_CONFIG_URL: url })]
    for (const { settings } of maps) {
      expect(settings.derp_map.Regions[7]).toEqual(OTHER.Regions[7])
      expect(settings.derp_map.Regions[999]?.EmbeddedRelay).toBe(true)
      expect(settings).toMatchObject({ derp_force_websockets: false, disable_direct_connections: false })
    }
    const alone = await load({ CODER_DERP_CONFIG_PATH: name, CODER_DERP_SERVER_ENABLE: 'false' })
    expect(alone.settings.derp_map).toEqual(OTHER)
    const forced = await load({ CODER_DERP_FORCE_WEBSOCKETS: 'true' })
    expect(forced.settings.derp_force_websockets).toBe(true)
  })

  it.each([
    ['is no JSON', '{', /--derp-config-path: the relay map cannot be read/],
    ['has no regions', '{}', /--derp-config-path: the relay map is wrong at/],
    ['has a region under another number', JSON.stringify({ Regions: { 8: OTHER.Regions[7] } }), /RegionID 7/],
    [
      'has a region of this server',
      JSON.stringify({ Regions: { 999: { ...OTHER.Regions[7], RegionID: 999 } } }),
      /--derp-server-region-id/,
    ],
  ])('stops the start when it %s', async (_how, content, message) => {
    await expect(load({ CODER_DERP_CONFIG_PATH: await file(content) })).rejects.toThrow(message)
  })

  it('stops the start when it relays nothing, or cannot be fetched', async () => {
    const stun = { Regions: { 7: { ...OTHER.Regions[7], Nodes: [OTHER.Regions[7].Nodes[1]] } } }
    const off = { CODER_DERP_SERVER_ENABLE: 'false' }
    await expect(load({ ...off, CODER_DERP_CONFIG_PATH: await file(JSON.stringify(stun)) })).rejects.toThrow(
      'no region of the relay map has a node that relays',
    )
    const missing = await serve((_request, response) => response.writeHead(404).end())
    await expect(load({ CODER_DERP_CONFIG_URL: missing })).rejects.toThrow('the server answered 404')
    const endless = await serve((_request, response) => response.end(Buffer.alloc(1024 * 1024 + 1, 32)))
    await expect(load({ CODER_DERP_CONFIG_URL: endless })).rejects.toThrow('longer than')
    expect((await load(off)).settings.derp_map, 'nobody asked for one').toEqual({ Regions: {} })
  })
})
