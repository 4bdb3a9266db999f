import { useQuery } from '@tanstack/react-query'

import { OwnServers } from '../mcp-servers/own-servers.tsx'
import { experimentsQuery } from '../session/queries.ts'
import { Together } from '../ui/together.tsx'
import { ConnectClient } from './connect-client.tsx'
import { metadataQuery } from './queries.ts'

/** `/settings/mcp`: programs of the viewer that use this deployment, and servers outside that their chats use. */
export function McpPage() {
  const parts = [useQuery(metadataQuery), useQuery(experimentsQuery)]
  return (
    <Together queries={parts}>
      <div className="flex flex-col gap-6">
        <ConnectClient />
        <OwnServers />
      </div>
    </Together>
  )
}
