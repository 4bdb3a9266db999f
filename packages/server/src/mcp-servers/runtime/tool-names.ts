const MAX_LENGTH = 64

/** The name of a tool as models see it (OA-114). */
export function exposedName(slug: string, tool: string): string {
  return `${slug}__${tool}`.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, MAX_LENGTH)
}

/** Whether chats get a tool of this name, as its server calls it: what is denied is not had, whatever is allowed (OA-115). */
export function isOffered(
  lists: { readonly tool_allow_list: readonly string[]; readonly tool_deny_list: readonly string[] },
  tool: string,
): boolean {
  if (lists.tool_deny_list.includes(tool)) return false
  return lists.tool_allow_list.length === 0 || lists.tool_allow_list.includes(tool)
}
