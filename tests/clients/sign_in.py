#!/usr/bin/env python3
"""A person with a browser, in a few lines: opens an authorization URL, signs in, approves.

As a command it takes the place of a browser: it follows the way back into the waiting client. Who
signs in stands in GATEHOUSE_USERNAME and GATEHOUSE_PASSWORD; what it opened goes to the file
GATEHOUSE_OPENED, one line each.
"""

import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar

MOST_PAGES = 10


class PageError(Exception):
    """The pages did not lead back to the client."""


def new_browser():
    """One that nobody has signed in with."""
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Stay())


def approve(authorization_url, username, password, browser=None):
    """Walks the pages and returns the address, on the client's side, that they lead back to."""
    issuer = urllib.parse.urlsplit(authorization_url).netloc
    browser = browser or new_browser()
    request = urllib.request.Request(authorization_url)
    for _ in range(MOST_PAGES):
        with browser.open(request, timeout=20) as answer:
            status, target, page = answer.status, answer.headers["Location"], answer.read().decode()
        if 300 <= status < 400:
            address = urllib.parse.urljoin(request.full_url, target)
            if urllib.parse.urlsplit(address).netloc != issuer:
                return address
            request = urllib.request.Request(address)
        elif status == 200:
            request = _fill_in(_Form(page), request.full_url, username, password)
        else:
            raise PageError(f"{status} from {request.full_url}:\n{page[:2000]}")
    raise PageError(f"{MOST_PAGES} pages and no way back; the last was {request.full_url}")


def _fill_in(form, page_url, username, password):
    names = {name for name, _ in form.fields} | form.buttons
    if "password" in names:
        answers = {"username": username, "password": password}
    elif "decision" in names:
        answers = {"decision": "approve"}
    else:
        raise PageError(f"{page_url} has no form that a person could fill in; fields: {sorted(names)}")
    fields = [field for field in form.fields if field[0] not in answers] + list(answers.items())
    address = urllib.parse.urljoin(page_url, form.action)
    origin = urllib.parse.urlsplit(address)
    headers = {"Origin": f"{origin.scheme}://{origin.netloc}", "Referer": page_url}
    return urllib.request.Request(address, urllib.parse.urlencode(fields).encode(), headers)


class _Form(HTMLParser):
    """The first form of a page that is posted: where to, its fields, and its buttons' names."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.buttons = "", [], set()
        self._inside, self._done = False, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and attributes.get("method", "").lower() == "post" and not self._done:
            self._inside, self.action = True, attributes.get("action") or ""
        elif self._inside and attributes.get("name"):
            self._take(tag, attributes)

    def _take(self, tag, attributes):
        kind = (attributes.get("type") or "").lower()
        if tag == "button" or kind == "submit":
            self.buttons.add(attributes["name"])
        elif kind in ("checkbox", "radio") and "checked" not in attributes:
            return
        elif tag == "input":
            self.fields.append((attributes["name"], attributes.get("value") or ""))

    def handle_endtag(self, tag):
        if tag == "form" and self._inside:
            self._inside, self._done = False, True


class _Stay(urllib.request.HTTPErrorProcessor):
    """Hands back redirects and errors as they are."""

    def http_response(self, request, response):
        return response

    https_response = http_response


def main():
    url = sys.argv[1]
    address = approve(url, os.environ["GATEHOUSE_USERNAME"], os.environ["GATEHOUSE_PASSWORD"])
    if "GATEHOUSE_OPENED" in os.environ:
        with open(os.environ["GATEHOUSE_OPENED"], "a", encoding="utf-8") as opened:
            opened.write(url + "\n")
    with urllib.request.urlopen(address, timeout=20) as answer:
        answer.read()


if __name__ == "__main__":
    main()
