// The dialog that asks for a key when the server wants one.

import {events, unlock} from './api.js';
import {$, text} from './dom.js';
import {t} from './i18n.js';

/** Shows the dialog whenever an answer was 401; `opened` is called when a key fits. */
export function watchForLock(opened) {
  const dialog = $('key');
  const ask = () => {
    $('keyButton').hidden = false;
    if (!dialog.open) {
      text($('keySay'), '');
      dialog.showModal();
    }
  };
  events.addEventListener('locked', ask);
  $('keyButton').addEventListener('click', ask);
  $('keyForm').addEventListener('submit', async event => {
    event.preventDefault();
    const key = $('keyInput').value.trim();
    try {
      if (key && await unlock(key)) {
        $('keyInput').value = '';
        dialog.close();
        opened();
      } else {
        text($('keySay'), t('key.wrong'));
        $('keyInput').select();
      }
    } catch {
      text($('keySay'), t('away'));
    }
  });
}

/** A key in the address has done its work once the page is there; it should not stay in view. */
export function hideKeyInAddress() {
  const address = new URL(location.href);
  if (address.searchParams.has('token')) {
    address.searchParams.delete('token');
    history.replaceState(null, '', address);
  }
}
