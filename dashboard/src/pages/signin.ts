/** Asks for the token when there is none. */
import { token } from '../api';
import { h } from '../dom';
import type { Page } from '../parts';

export function signInPage(refused: boolean, entered: () => void): Page {
  const field = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'token-help',
  });
  const form = h(
    'form',
    {
      class: 'card narrow',
      onsubmit: (event) => {
        event.preventDefault();
        const given = field.value.trim();
        if (given === '') return;
        token.set(given);
        entered();
      },
    },
    h('h1', { tabindex: -1 }, 'Enter your token'),
    refused && h('div', { class: 'notice bad', role: 'alert' }, 'The server does not know that token.'),
    h('label', { for: 'token' }, 'Token'),
    field,
    h(
      'p',
      { id: 'token-help', class: 'soft' },
      'Operators have the admin token; users get theirs from an operator. It is kept in this tab alone, until the tab is closed.',
    ),
    h('button', { type: 'submit', class: 'primary' }, 'Go on'),
  );
  return { title: 'Enter your token', content: form };
}
