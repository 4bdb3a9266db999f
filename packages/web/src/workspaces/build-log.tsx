import { useEffect } from 'react'

import { LogViewer } from '../ui/log/log-viewer.tsx'
import { useLogStream } from '../ui/log/use-log-stream.ts'
import { jobLogLines } from './job-log-lines.ts'

interface JobLogProps {
  /** A build of a workspace, or the import of a template version. */
  readonly of: { readonly kind: 'build' | 'version'; readonly id: string }
  readonly running: boolean
  readonly fileName: string
  /** CSS length. */
  readonly height: string
  /** Called when what there is of it stands on the page. */
  readonly onRead?: () => void
}

/** The log of a job, live while it runs (UI-801, UI-802). */
export function JobLog({ of: { kind, id }, running, fileName, height, onRead }: JobLogProps) {
  const base = kind === 'build' ? `/api/v2/workspacebuilds/${id}` : `/api/v2/templateversions/${id}`
  const { lines, ended } = useLogStream(
    `${kind} ${id}`,
    (after) => `${base}/logs?follow=true&after=${after}`,
    jobLogLines,
  )
  const read = ended || lines.length > 0
  useEffect(() => {
    if (read) onRead?.()
  }, [read, onRead])
  return (
    <LogViewer
      label="Build log"
      lines={lines}
      done={ended || !running}
      fileName={fileName}
      empty={
        running && !ended
          ? 'Waiting for the first line'
          : ended
            ? 'This job wrote no log.'
            : 'Reading the log'
      }
      height={height}
    />
  )
}
