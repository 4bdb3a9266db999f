import type { Chat, ChatWatchEvent, ChatWatchEventKind } from '@slipway/contract'

/** A chat or one inside of it; both carry the same fields. */
type Fields = Omit<Chat, 'children'>

/** What an event of each kind speaks for; everything else in it may be older than what is known (UI-1107). */
const SPEAKS_FOR: Readonly<Record<ChatWatchEventKind, readonly (keyof Fields)[]>> = {
  created: [],
  deleted: [],
  title_change: ['title'],
  summary_change: ['last_turn_summary'],
  chat_summary_change: ['summary'],
  diff_status_change: ['diff_status'],
  context_dirty: ['context'],
  status_change: [
    'status',
    'last_error',
    'updated_at',
    'has_unread',
    'queued_for_capacity',
    'last_model_config_id',
    'last_reasoning_effort',
    'workspace_id',
    'build_id',
    'agent_id',
    'plan_mode',
  ],
  action_required: ['status', 'updated_at', 'has_unread'],
}

/** Two moments may be the same; only an earlier one is old. */
function isOlder(event: Fields, known: Fields): boolean {
  return Date.parse(event.updated_at) < Date.parse(known.updated_at)
}

/** A chat with what an event says about it; the same object when it says nothing new. */
export function mergeInto<One extends Fields>(known: One, { kind, chat }: ChatWatchEvent): One {
  if (kind === 'deleted') return known.archived ? known : { ...known, archived: true, pin_order: 0 }
  if (kind === 'created') return { ...known, ...fieldsOf(chat), archived: false }
  const fields = SPEAKS_FOR[kind]
  if (fields.includes('status') && isOlder(chat, known)) return known
  const next = { ...known }
  let changed = false
  for (const field of fields) changed = take(next, known, chat, field) || changed
  return changed ? next : known
}

function take<Key extends keyof Fields>(next: Fields, known: Fields, event: Fields, field: Key): boolean {
  if (JSON.stringify(known[field]) === JSON.stringify(event[field])) return false
  if (field === 'context' && event.context !== undefined)
    // Events tell that it has changed, and not what is in it (CH-1002).
    next.context = {
      ...(known.context?.resources === undefined ? {} : { resources: known.context.resources }),
      ...event.context,
    }
  else if (field in event) next[field] = event[field]
  else delete next[field]
  return true
}

/** Events carry a chat without its files and those inside of it (CH-1002). */
function fieldsOf(chat: Chat): Omit<Chat, 'children' | 'files'> {
  const { children, files, ...fields } = chat
  return fields
}

/** A list of roots with what an event says; the same list when nothing in it changes. */
export function mergeIntoList(
  list: readonly Chat[],
  event: ChatWatchEvent,
  wanted: { readonly archived: boolean; readonly mayInsert: boolean },
): readonly Chat[] {
  const { chat, kind } = event
  if (chat.parent_chat_id !== undefined) return mergeChild(list, event, wanted.archived)
  const at = list.findIndex(({ id }) => id === chat.id)
  const leaves = (kind === 'deleted' && !wanted.archived) || (kind === 'created' && wanted.archived)
  const known = list[at]
  if (known !== undefined) {
    if (leaves) return list.filter(({ id }) => id !== chat.id)
    const next = mergeInto(known, event)
    return next === known ? list : list.with(at, next)
  }
  const comes = (kind === 'created' && !wanted.archived) || (kind === 'deleted' && wanted.archived)
  return comes && wanted.mayInsert
    ? [{ ...chat, archived: kind === 'deleted', children: chat.children ?? [] }, ...list]
    : list
}

function mergeChild(list: readonly Chat[], event: ChatWatchEvent, archived: boolean): readonly Chat[] {
  const { chat, kind } = event
  const at = list.findIndex(({ id }) => id === chat.root_chat_id)
  const root = list[at]
  if (root === undefined) return list
  const inside = root.children.findIndex(({ id }) => id === chat.id)
  const known = root.children[inside]
  if (known === undefined)
    return kind === 'created' && !archived
      ? list.with(at, { ...root, children: [{ ...chat, children: [] }, ...root.children] })
      : list
  const next = mergeInto(known, event)
  return next === known ? list : list.with(at, { ...root, children: root.children.with(inside, next) })
}
