import { writeFile } from 'node:fs/promises'

import { openApi, routes } from '@slipway/contract'

const file = new URL('../packages/contract/openapi.json', import.meta.url)
await writeFile(file, `${JSON.stringify(openApi(routes), null, 2)}\n`)
