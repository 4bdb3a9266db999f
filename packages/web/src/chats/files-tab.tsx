import { Download, FileText, Image as ImageIcon, Paperclip } from 'lucide-react'

import { type ChatFileMetadata, getChatFile } from '@slipway/contract'
import { requestPath } from '../api/http.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { fileSize } from './chat-words.ts'

/** All files of a chat, of the user and of tools. */
export function FilesTab({ files }: { readonly files: readonly ChatFileMetadata[] }) {
  if (files.length === 0)
    return (
      <EmptyState icon={Paperclip} title="No files">
        Files that you attach, and those that the agent makes for you, are listed here.
      </EmptyState>
    )
  return (
    <ul className="rounded-card border border-line bg-surface">
      {files.map((file) => {
        const Icon = file.mime_type.startsWith('image/') ? ImageIcon : FileText
        const href = requestPath(getChatFile.path, { file: file.id })
        return (
          <li
            key={file.id}
            className="flex min-h-12 items-center gap-3 border-b border-line py-1.5 pl-3 pr-1.5 last:border-b-0"
          >
            <Icon className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
            <span className="min-w-0 flex-1">
              <a
                href={href}
                target="_blank"
                rel="noopener noreferrer"
                className="block truncate text-sm font-medium hover:text-accent"
              >
                <bdi>{file.name}</bdi>
              </a>
              <span className="block truncate text-xs text-ink-2">
                {fileSize(file.size_bytes)} · {file.mime_type} · <TimeAgo time={file.created_at} />
              </span>
            </span>
            <a
              href={href}
              download={file.name}
              aria-label={`Download ${file.name}`}
              title="Download"
              className="inline-flex size-8 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
            >
              <Download className="size-4" strokeWidth={1.75} />
            </a>
          </li>
        )
      })}
    </ul>
  )
}
