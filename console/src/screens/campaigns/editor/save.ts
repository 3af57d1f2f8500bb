import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf, versionOf } from '../../../api/client';
import { Failure } from '../../../api/failure';
import { isSame } from '../../../parts/same';
import { campaignQuery, campaignsKey } from '../read-campaigns';
import { definitionOf } from './definition';
import type { Definition } from './definition';
import { hasChanged } from './form';
import type { EditorDraft } from './form';

const BASE = '/imfpush/v1/apps/{applicationId}/campaigns';
/** The API refuses unknown fields, so that nothing that a person typed is dropped. */
const STRICT = { Prefer: 'handling=strict' };

interface Use {
  app: string;
  /** Undefined: a new campaign. */
  id: string | undefined;
  onSaved: (id: string) => void;
  /** The content that is sent under the draft's key, before the request; null: nothing was made of it. */
  onTried: (tried: Definition | null) => void;
}

function put(applicationId: string, campaignId: string, body: Definition, etag: string | null) {
  const params = { path: { applicationId, campaignId }, header: { ...STRICT, 'If-Match': etag ?? '' } };
  return bodyOf(api.PUT(`${BASE}/{campaignId}`, { params, body }));
}

/**
 * Makes one campaign of a draft, however often it is pressed. If the text was changed after a lost answer, the first
 * request is repeated, which makes or finds its campaign, and the new text is saved over that.
 */
async function create(app: string, { key, tried, definition }: EditorDraft, onTried: Use['onTried']): Promise<string> {
  const params = { path: { applicationId: app }, header: { ...STRICT, 'Idempotency-Key': key } };
  const first = tried ?? definition;
  onTried(first);
  try {
    const made = await versionOf(api.POST(BASE, { params, body: first }));
    const { campaignId } = made.body;
    if (!isSame(first, definition)) await put(app, campaignId, definition, made.etag);
    return campaignId;
  } catch (error) {
    // A refusal is an answer: nothing was made.
    if (error instanceof Failure && error.status >= 400 && error.status < 500) onTried(null);
    throw error;
  }
}

/** Saves the draft over the version that it was made from, and over no other. */
export function useSave({ app, id, onSaved, onTried }: Use) {
  const queries = useQueryClient();
  const mutationKey = ['save-campaign', app, id];
  const saving = useMutation<string, Error, EditorDraft>({
    mutationKey,
    mutationFn: async (draft) => {
      const { base, definition } = draft;
      if (id === undefined) return create(app, draft, onTried);
      if (!hasChanged(draft)) return id;
      try {
        await put(app, id, definition, base?.etag ?? null);
      } catch (error) {
        if (!(error instanceof Failure && error.isChanged)) throw error;
        // Another version: the screen shows both. Or this one, and the answer to an earlier press was lost.
        const current = await queries.fetchQuery({ ...campaignQuery(app, id), staleTime: 0 });
        if (!isSame(definitionOf(current), definition)) throw error;
      }
      return id;
    },
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: campaignsKey(app) });
      onSaved(saved);
    },
  });
  // The second click of a double click comes before the button is drawn again.
  const save = (draft: EditorDraft): void => {
    if (queries.isMutating({ mutationKey }) === 0) saving.mutate(draft);
  };
  return { ...saving, save };
}
