import {
  type Bench,
  builtIn,
  connectedAgent,
  median,
  owner,
  quantile,
  runServer,
  scratch,
} from './harness.ts'

const TIMES = 10

/** From the request that creates a workspace of the built-in template to its connected agent. */
export const createToConnected: Bench = async () => {
  await using place = await scratch()
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const template = await builtIn(client)
  const times: number[] = []
  for (let i = 0; i < TIMES; i += 1) {
    const before = performance.now()
    await connectedAgent(client, template, `bench-${i}`)
    times.push(performance.now() - before)
  }
  return [
    {
      what: 'create to connected agent, built-in template, median of 10',
      measured: `${median(times).toFixed(0)} ms (slowest ${quantile(times, 1).toFixed(0)} ms)`,
      baseline: 'none',
      result: `${(median(times) / 1_000).toFixed(2)} s`,
      wanted: 'at most 1.5 s',
    },
  ]
}
