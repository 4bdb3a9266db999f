import { Download, FileJson, FileSpreadsheet, RotateCw } from 'lucide-react'

import type { Route } from '@slipway/contract'
import { requestPath } from '../api/http.ts'
import { Button } from '../ui/button.tsx'
import { Menu } from '../ui/menu.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'

interface LogActionsProps {
  /** The operation that answers all entries of a search as a file. */
  readonly file: Route
  readonly filter: string
  /** When what is shown was read, in milliseconds; 0 before that. */
  readonly readAt: number
  readonly busy: boolean
  readonly onRefresh: () => void
}

/** What a log can be asked for: to be read anew, since it does not move by itself, and to be kept as a file. */
export function LogActions({ file, filter, readAt, busy, onRefresh }: LogActionsProps) {
  const download = (format: 'csv' | 'jsonl') => {
    const link = document.createElement('a')
    link.href = requestPath(file.path, {}, { q: filter === '' ? undefined : filter, format })
    link.download = ''
    link.click()
  }
  return (
    <>
      {readAt === 0 ? null : (
        <span className="text-xs text-ink-2 max-sm:hidden">
          Read <TimeAgo time={new Date(readAt).toISOString()} />
        </span>
      )}
      <Button onClick={onRefresh} busy={busy} icon={<RotateCw className="size-3.5" />}>
        Refresh
      </Button>
      <Menu
        label="Export"
        trigger={<Button icon={<Download className="size-3.5" />}>Export</Button>}
        groups={[
          [
            {
              id: 'csv',
              label: 'CSV',
              hint: 'For spreadsheets; all entries that match the filter',
              icon: FileSpreadsheet,
              onSelect: () => download('csv'),
            },
            {
              id: 'jsonl',
              label: 'JSON lines',
              hint: 'For programs; one entry per line',
              icon: FileJson,
              onSelect: () => download('jsonl'),
            },
          ],
        ]}
      />
    </>
  )
}
