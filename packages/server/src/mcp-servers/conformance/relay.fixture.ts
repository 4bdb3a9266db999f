// The command that the conformance suite starts for each scenario. It hands the scenario to the test, which has our client
// loaded already: loading it anew takes longer than most scenarios.
import { request } from 'node:http'
import { json } from 'node:stream/consumers'

const [door = '', url = ''] = process.argv.slice(2)
const asked = request(door, { method: 'POST' }, (response) => {
  void json(response).then((answer) => {
    const { said, passed } = Object(answer)
    process.stderr.write(String(said))
    process.exitCode = passed === true ? 0 : 1
  })
})
asked.end(JSON.stringify({ url, context: JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') }))
