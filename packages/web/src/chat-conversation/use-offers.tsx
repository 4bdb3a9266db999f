import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, type ReactNode, useState } from 'react'

import { findWorkspaceFiles } from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { useSettled } from '../ui/use-settled.ts'
import { type ComposerCommand, matchingCommands } from './commands.ts'
import { type KnownFiles, mentionAt, type OpenMention } from './mentions.ts'
import { type Offer, OfferList } from './offer-list.tsx'

/** How long one types on before files are asked for, in milliseconds. */
const SETTLE_MS = 80
const MOST_FILES = 30

interface OffersOptions {
  /** Of the list, in the page. */
  readonly id: string
  readonly text: string
  readonly caret: number
  readonly commands: readonly ComposerCommand[]
  /** Where files are looked for; without one none are. */
  readonly workspaceId: string | undefined
  readonly known: KnownFiles
  readonly onCommand: (command: ComposerCommand) => void
  readonly onFile: (mention: OpenMention, path: string, file: string) => void
}

interface Offers {
  readonly list: ReactNode
  /** The field tells assistive technology of the list. */
  readonly controls: string | undefined
  readonly active: string | undefined
  /** True when the key was one for the list. */
  readonly onKeyDown: (event: KeyboardEvent) => boolean
  /** Something was typed: a list that was closed may open again. */
  readonly typed: () => void
}

/** What the composer offers: commands and skills behind `/` (UI-1121), files of the workspace behind `@` (UI-1122). */
export function useOffers(options: OffersOptions): Offers {
  const { id, text, caret, workspaceId, known, onFile } = options
  const [choice, setChoice] = useState(0)
  const [closed, setClosed] = useState(false)
  const mention = closed || workspaceId === undefined ? undefined : mentionAt(text, caret, known)
  const query = useSettled(mention?.query ?? '', SETTLE_MS)
  const found = useQuery({
    queryKey: ['workspace-files', workspaceId, query],
    queryFn: ({ signal }) =>
      api.call(findWorkspaceFiles, {
        query: { workspace: workspaceId ?? '', q: query, limit: MOST_FILES },
        signal,
      }),
    enabled: mention !== undefined,
    staleTime: 10_000,
    retry: false,
    placeholderData: keepPreviousData,
  })
  const commands: readonly Offer[] = (closed ? [] : matchingCommands(options.commands, text)).map(
    (command) => ({
      id: command.name,
      title: `/${command.name}`,
      note: command.description,
      choose: () => options.onCommand(command),
    }),
  )
  const wanted = mention?.query.toLowerCase() ?? ''
  const { directory = '', files = [] } = (mention === undefined ? undefined : found.data) ?? {}
  const paths: readonly Offer[] =
    mention === undefined
      ? []
      : files
          // While the answer is on its way the one before it is shown, as far as it still fits.
          .filter(
            (file) =>
              (query === mention.query && !found.isPlaceholderData) || file.toLowerCase().includes(wanted),
          )
          .map((file) => ({
            id: file,
            title: file.slice(file.lastIndexOf('/') + 1),
            note: file.slice(0, Math.max(0, file.lastIndexOf('/'))),
            choose: () => onFile(mention, file, `${directory.replace(/\/$/, '')}/${file}`),
          }))
  const offers = commands.length > 0 ? commands : paths
  const current = Math.min(choice, offers.length - 1)
  const note =
    mention === undefined || commands.length > 0
      ? undefined
      : found.error !== null
        ? `Files of the workspace are not offered: ${describeError(found.error).message}`
        : found.isPending
          ? 'Looking through the workspace'
          : paths.length === 0
            ? mention.query === ''
              ? 'The workspace has no files yet.'
              : undefined
            : found.data?.truncated === true
              ? 'There are more files than were looked through.'
              : undefined
  const open = offers.length > 0 || note !== undefined
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (event.key === 'Escape') setClosed(true)
    else if (offers.length === 0) return false
    else if (step !== undefined) setChoice((current + step + offers.length) % offers.length)
    else if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) offers[current]?.choose()
    else return false
    event.preventDefault()
    return true
  }
  return {
    list: open ? (
      <OfferList
        id={id}
        label={commands.length > 0 ? 'Commands' : 'Files'}
        offers={offers}
        current={current}
        note={note}
      />
    ) : null,
    controls: offers.length > 0 ? id : undefined,
    active: offers.length > 0 ? `${id}-${current}` : undefined,
    onKeyDown,
    typed: () => {
      setChoice(0)
      setClosed(false)
    },
  }
}
